"""Route tickets to labels that have a few examples each, and let a label come and go: python examples/route_tickets.py."""

from __future__ import annotations

import os

from searchctl.route import Router

EXAMPLES = {
    "billing/refund": ["I want my money back", "When do I get my refund?", "Верните деньги за чайник"],
    "delivery/late": ["Where is my parcel?", "The courier did not come", "Курьер не приехал, жду второй день"],
}


def main() -> None:
    """Add labels, route three texts, add a label while in use, and take it back."""
    with Router.open(os.environ.get("SEARCHCTL_ENGINE", ".searchctl")) as router:
        for label, texts in EXAMPLES.items():
            router.add(label, texts)
        for text in (
            "Деньги до сих пор не вернули",
            "My parcel should have been here on Monday",
            "How tall is a giraffe?",
        ):
            route = router.predict(text)[0]
            print(f"{route.label or 'no label'} ({route.confidence:.2f}): {text}")
        router.add("gifts", ["How do I use a gift card?", "Подарочная карта не работает"])
        print(router.predict("Can I pay with my gift card?")[0].label)
        router.undo()


if __name__ == "__main__":
    main()
