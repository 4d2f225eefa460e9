"""docs/scalers.md: what is known of each scaler for jobs, and how to say it differently."""

from __future__ import annotations

from collections.abc import Iterable

from audit.config import scalers
from audit.model.scaler import Parameter, Scaler
from docs.pages.fields import NOTE, meanings_of


def page() -> str:
    """Return docs/scalers.md: what is known of each scaler for jobs, and how to say it differently."""
    known = scalers.shipped()
    looked_at = {name: each.jobs for name, each in known.scalers.items() if each.jobs}
    count = sum(len(each.parameters) for each in known.scalers.values())
    parts = [
        "# Scalers",
        NOTE,
        (
            f"config/scalers.json holds {len(known.scalers)} KEDA scalers with {count} parameters: KEDA's own schema"
            f" (version `{known.keda}`), and laid over it our table config/scalers-jobs.toml, which says for"
            f" {len(looked_at)} of them what matters to event-driven jobs, with the source of each statement. The table"
            " `scaler_facts` holds every scale rule against it."
        ),
        "`python docs/scaler_catalogue.py [SCHEMA.json]` makes the file anew from KEDA's schema and our table.",
        "## Support for jobs",
        (
            "Event-driven jobs accept any KEDA scaler that a ScaledObject can use; the platform has no tested list."
            " `documented`: its pages about jobs name the scaler or its event source. `keda-backed`: KEDA describes it"
            " for Azure, nothing names it for jobs; verify. `verify`: KEDA has it, nobody has looked at it for jobs."
            " `unknown`: not in the catalogue. Whoever tried one says so under `[[scalers]]` in audit.toml or as"
            " `scaler_support` in jobs.toml ([configuration.md](configuration.md))."
        ),
        "| scaler | support | threshold, default | identity | said in |",
    ]
    rows = ["|---|---|---|---|---|"]
    for name, jobs in looked_at.items():
        threshold = f"`{jobs.threshold}`, {jobs.threshold_default or 'none: it must be set'}"
        identity = "yes" if known.scalers[name].identity else "no"
        rows.append(f"| [`{name}`](#{name}) | {jobs.support} | {threshold} | {identity} | {jobs.support_source} |")
    parts[-1] += "\n" + "\n".join(rows)
    for name in looked_at:
        parts += [f"### {name}", _scaler(known.scalers[name])]
    others = ", ".join(f"`{name}`" for name in known.scalers if name not in looked_at)
    parts += ["## To be verified", f"KEDA has these, and our table says nothing of them for jobs: {others}."]
    parts += [
        "## A catalogue of your own",
        (
            "`store.scalers` in audit.toml names a JSON file of the same shape. What it lists replaces that scaler"
            " wholly, so copy its entry and change that; what it doesn't list stays. The run keeps what differs."
        ),
        '```json\n{"scalers": {"our-queue": {"parameters": {"depth": {"required": true, "from": ["metadata"]}}}}}\n```',
        "A scaler:\n\n" + meanings_of(Scaler),
        "A parameter (`from` in the file is `read_from` here):\n\n" + meanings_of(Parameter),
    ]
    return "\n\n".join(parts) + "\n"


def _scaler(scaler: Scaler) -> str:
    jobs = scaler.jobs
    assert jobs is not None
    source = jobs.event_source
    secrets = [name for name, parameter in scaler.parameters.items() if parameter.secret]
    ended = {name: parameter.deprecated for name, parameter in scaler.parameters.items() if parameter.deprecated}
    lines = {
        "Event source": f"{source.resolves}{f' ({source.resource})' if source.resource else ''}.",
        "Told by": _names((*source.address, *source.entity)),
        "A job's rule needs": _names(jobs.requires),
        "with an identity also": _names(jobs.requires_with_identity),
        "without one also": _names(jobs.requires_without_identity),
        "and where given": "; ".join(f"`{name}`: {_names(more)}" for name, more in jobs.requires_if.items()),
        "Carry secrets": _names(secrets),
        "Deprecated": "; ".join(f"`{name}`: {' '.join(told.values())}" for name, told in ended.items()),
        "Notes": " ".join(jobs.notes),
        "Unverified": " ".join(jobs.unverified),
        "Sources": ", ".join(jobs.sources),
    }
    return "\n".join(f"- {key}: {text}" for key, text in lines.items() if text)


def _names(names: Iterable[str]) -> str:
    return ", ".join(" or ".join(f"`{part}`" for part in name.split("|")) for name in names)
