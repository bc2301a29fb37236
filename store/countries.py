"""Country codes of continental competitions, and the associations they stand for.

Sources of continental competitions write FIFA's three-letter codes; our
competitions begin with the shorter prefixes of national leagues.
"""

from __future__ import annotations

CONTINENTS = frozenset({"uefa"})
"""Associations whose competitions bring clubs of many countries together."""

_ASSOCIATIONS = {
    "ALB": "al", "AND": "ad", "ARM": "am", "AUT": "at", "AZE": "az", "BEL": "be", "BIH": "ba", "BLR": "by",
    "BUL": "bg", "CRO": "hr", "CYP": "cy", "CZE": "cz", "DEN": "dk", "ENG": "en", "ESP": "es", "EST": "ee",
    "FIN": "fi", "FRA": "fr", "FRO": "fo", "GEO": "ge", "GER": "de", "GIB": "gi", "GRE": "gr", "HUN": "hu",
    "IRL": "ie", "ISL": "is", "ISR": "il", "ITA": "it", "KAZ": "kz", "KOS": "xk", "LIE": "li", "LTU": "lt",
    "LUX": "lu", "LVA": "lv", "MCO": "fr", "MDA": "md", "MKD": "mk", "MLT": "mt", "MNE": "me", "NED": "nl",
    "NIR": "nir", "NOR": "no", "POL": "pl", "POR": "pt", "ROU": "ro", "RUS": "ru", "SCO": "sco", "SMR": "sm",
    "SRB": "rs", "SUI": "ch", "SVK": "sk", "SVN": "si", "SWE": "se", "TUR": "tr", "UKR": "ua", "WAL": "wal",
}  # fmt: skip

_EUROPE = frozenset(_ASSOCIATIONS.values())


def association_of_country(code: str) -> str:
    """Return the association of a FIFA code; the code in lower case where we know no shorter prefix.

    >>> association_of_country("GER"), association_of_country("MCO"), association_of_country("QAT")
    ('de', 'fr', 'qat')
    """
    return _ASSOCIATIONS.get(code, code.lower())


def is_in_europe(association: str) -> bool:
    """Say whether an association belongs to UEFA."""
    return association in _EUROPE
