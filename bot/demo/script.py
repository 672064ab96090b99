"""What staff write in the demo."""

from typing import Any

from bot.emulators.faults import Kind

ANNOUNCEMENT: dict[str, Any] = {
    "title": "Diaspora savings bond, first round",
    "purpose": "investment",
    "text_en": (
        "New for members: the diaspora savings bond. You can lend from 50 US dollars for three years; interest is paid "
        "twice a year. The issuer, the licence, the fees and how to leave early are in the leaflet that your embassy "
        "has. Questions? Write HUMAN and a person will answer."
    ),
    "text_fr": (
        "Nouveau pour les membres : l’obligation d’épargne de la diaspora. Vous pouvez prêter à partir de 50 dollars "
        "américains pour trois ans ; les intérêts sont payés deux fois par an. L’émetteur, la licence, les frais et la "
        "sortie anticipée figurent dans le dépliant disponible à votre ambassade. Des questions ? Écrivez HUMAIN."
    ),
}
SESSION: dict[str, Any] = {
    "title_en": "Sending money home for less",
    "title_fr": "Envoyer de l’argent au pays à moindre coût",
    "description_en": "Compare fees and exchange rates, and see how to avoid fraud.",
    "description_fr": "Comparer les frais et les taux de change, et éviter les fraudes.",
    "minutes": "90",
    "capacity": "60",
    "place": "Online",
    "link": "https://diaspora.example.org/join",
    "zone": "Africa/Maseru",
}
#: Who works at the demo's desk: address, name, role.
STAFF = (
    ("editor@example.org", "Palesa (editor)", "editor"),
    ("approver@example.org", "Thandi (approver)", "approver"),
    ("analyst@example.org", "Ravi (analyst)", "analyst"),
    ("admin@example.org", "Naledi (administrator)", "administrator"),
)
#: What goes wrong on the way of the announcement, by channel: the kind of fault, and its details.
TROUBLE: dict[str, tuple[tuple[Kind, dict[str, Any]], ...]] = {
    "telegram": (
        (Kind.HANG_THEN_DELIVER, {}),
        (Kind.TOO_MANY_REQUESTS, {"seconds": 3}),
        (Kind.BLOCKED, {}),
        (Kind.SERVER_ERROR, {}),
        (Kind.DROP_ANSWER, {}),
    ),
    "whatsapp": (
        (Kind.FAIL, {"code": 63032}),
        (Kind.TOO_MANY_REQUESTS, {"seconds": 2}),
        (Kind.HANG_THEN_DELIVER, {}),
        (Kind.DROP_ANSWER, {}),
        (Kind.DUPLICATE_STATUSES, {}),
        (Kind.REORDER_STATUSES, {}),
        (Kind.EARLY_STATUSES, {}),
    ),
}
