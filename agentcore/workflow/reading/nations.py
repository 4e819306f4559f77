"""Words for where somebody is from, that stand before a name and are no part of it: "Italian Umberto Nobile"."""

from __future__ import annotations

__all__ = ["DEMONYMS"]

DEMONYMS = frozenset(
    (
        "African", "Albanian", "Algerian", "American", "Argentine", "Argentinian", "Armenian", "Asian", "Australian",
        "Austrian", "Azerbaijani", "Bangladeshi", "Belarusian", "Belgian", "Bolivian", "Bosnian", "Brazilian", "British",
        "Briton", "Bulgarian", "Burmese", "Cambodian", "Canadian", "Catalan", "Chilean", "Chinese", "Colombian", "Croatian",
        "Cuban", "Czech", "Dane", "Danish", "Dutch", "Dutchman", "Ecuadorian", "Egyptian", "English", "Englishman",
        "Englishwoman", "Estonian", "Ethiopian", "European", "Filipino", "Finn", "Finnish", "Flemish", "French",
        "Frenchman", "Frenchwoman", "Georgian", "German", "Ghanaian", "Greek", "Hungarian", "Icelandic", "Indian",
        "Indonesian", "Iranian", "Iraqi", "Irish", "Irishman", "Irishwoman", "Israeli", "Italian", "Jamaican", "Japanese",
        "Jewish", "Jordanian", "Kenyan", "Korean", "Kuwaiti", "Latvian", "Lebanese", "Libyan", "Lithuanian", "Malaysian",
        "Maltese", "Mexican", "Mongolian", "Moroccan", "Nepalese", "Nigerian", "Norwegian", "Ottoman", "Pakistani",
        "Palestinian", "Persian", "Peruvian", "Pole", "Polish", "Portuguese", "Prussian", "Roman", "Romanian", "Russian",
        "Saudi", "Scot", "Scotsman", "Scottish", "Serbian", "Sicilian", "Slovak", "Slovenian", "Somali", "Soviet",
        "Spaniard", "Spanish", "Sudanese", "Swede", "Swedish", "Swiss", "Syrian", "Taiwanese", "Thai", "Tunisian",
        "Turkish", "Ukrainian", "Uruguayan", "Venetian", "Venezuelan", "Vietnamese", "Welsh", "Welshman", "Yugoslav",
    )
)  # fmt: skip
