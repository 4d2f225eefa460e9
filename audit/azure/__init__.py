"""How Azure is reached: read-only, over one transport, every failure named.

The way of one request::

    Azure.pages / get / typed / resource_graph / directory_objects        client.py
      └─ recorder   keeps the answer as received                           recorder.py
         └─ guard   this cloud's endpoint only, reads only                 guard.py
            └─ retry   a few bounded attempts                              retry.py
               └─ gate   one token bucket per subscription and API family  throttle.py
                  └─ ARM authentication, then the shared transport         pipeline.py, transport.py

What goes wrong on that way leaves it as ReadFailed with a gap reason, or as NotThere (faults.py).
"""

from __future__ import annotations

from audit.azure.client import Azure, connect
from audit.azure.clouds import Cloud
from audit.azure.meter import Meter, UnitMeter

__all__ = ["Azure", "Cloud", "Meter", "UnitMeter", "connect"]
