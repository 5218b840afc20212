"""Kinds: words known to name things of one kind, of which somebody may have one favourite. English, by hand, closed.

A word that is not here may as well say how a thing is ("cold", "ripe"), and takes no other one's place by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcp_memory.domain.wording import words

_KINDS = tuple(
    map(
        words,
        (
            """
            pizza pasta lasagne lasagna spaghetti ravioli gnocchi risotto paella sushi sashimi ramen udon soba tempura
            curry korma biryani dal dosa naan samosa samosas pho laksa satay rendang kimchi bibimbap bulgogi tofu tempeh
            dumplings gyoza taco tacos burrito burritos quesadilla enchiladas nachos chili burger burgers hamburger
            hamburgers steak schnitzel sausage sausages bratwurst goulash stew soup borscht pierogi falafel hummus kebab
            shawarma tagine couscous moussaka gyros fries chips sandwich sandwiches salad omelette omelet pancakes
            waffles crepes quiche fondue raclette rösti casserole meatballs salmon tuna cod shrimp prawns lobster
            oysters mussels chicken beef pork lamb duck turkey ham bacon fish rice noodles bread toast porridge oatmeal
            muesli cereal yoghurt yogurt cheese eggs potatoes beans lentils ceviche poutine haggis
            """,
            """
            cheddar gouda brie camembert feta mozzarella parmesan ricotta gruyere emmental halloumi stilton roquefort
            manchego gorgonzola
            """,
            """
            chocolate cake cheesecake brownie brownies cookie cookies pie tiramisu pudding custard gelato sorbet muffin
            muffins doughnut doughnuts croissant croissants pastry baklava marzipan liquorice licorice toffee fudge
            caramel vanilla pistachio hazelnut mochi strudel
            """,
            """
            coffee tea espresso cappuccino latte cocoa matcha rooibos chai water juice lemonade cola soda beer cider ale
            lager stout wine champagne prosecco whisky whiskey gin rum vodka tequila sake mead kombucha kefir milk
            smoothie smoothies mojito margarita martini
            """,
            """
            apple apples pear pears plum plums peach peaches apricot apricots cherry cherries grape grapes melon melons
            watermelon mango mangoes mangos papaya pineapple banana bananas kiwi kiwis fig figs lemon lemons lime limes
            orange oranges grapefruit mandarin mandarins strawberry strawberries raspberry raspberries blueberry
            blueberries blackberry blackberries lychee guava pomegranate quince persimmon
            """,
            """
            carrot carrots potato potatoes tomato tomatoes cucumber cucumbers onion onions garlic leek leeks broccoli
            cauliflower cabbage kale spinach lettuce chard celery fennel asparagus aubergine eggplant courgette zucchini
            pumpkin squash pepper peppers peas beetroot radish radishes turnip parsnip artichoke artichokes corn okra
            mushrooms
            """,
            "basil parsley coriander cilantro mint rosemary thyme oregano sage dill chives ginger turmeric",
            """
            football soccer tennis basketball volleyball handball hockey rugby cricket baseball golf badminton squash
            swimming running cycling climbing bouldering hiking skiing snowboarding skating surfing sailing rowing
            kayaking diving boxing judo karate wrestling fencing archery gymnastics yoga pilates athletics triathlon
            """,
            """
            running cycling climbing bouldering hiking gardening cooking baking knitting sewing crochet pottery painting
            drawing photography reading writing chess fishing birdwatching woodworking singing dancing camping origami
            calligraphy gaming travelling
            """,
            "jazz blues rock pop techno house metal punk folk soul funk reggae ska classical opera rap country disco",
            """
            guitar piano violin viola cello drums flute clarinet oboe saxophone trumpet trombone harp ukulele banjo
            accordion organ bass
            """,
            """
            dog dogs cat cats horse horses rabbit rabbits fox foxes owl owls wolf wolves bear bears lion lions tiger
            tigers elephant elephants giraffe giraffes panda pandas koala koalas penguin penguins dolphin dolphins whale
            whales otter otters hedgehog hedgehogs parrot parrots hamster hamsters turtle turtles octopus eagle eagles
            """,
            """
            rose roses tulip tulips lily lilies daisy daisies orchid orchids sunflower sunflowers peony peonies lavender
            jasmine violet violets daffodil daffodils dahlia dahlias iris carnation carnations hydrangea hydrangeas
            """,
            """
            maths mathematics algebra geometry physics chemistry biology history geography philosophy economics
            literature art music latin astronomy psychology sociology law medicine
            """,
            "chess checkers backgammon poker bridge scrabble monopoly dominoes mahjong sudoku catan risk",
            """
            comedy drama thriller thrillers horror romance fantasy documentary documentaries western westerns musical
            musicals mystery mysteries noir
            """,
            "kitchen bathroom bedroom garage garden attic basement balcony cellar hallway office library",
            "red blue green yellow purple pink orange black white brown grey gray teal turquoise violet cyan magenta",
            "spring summer autumn winter",
            "monday tuesday wednesday thursday friday saturday sunday",
            "breakfast lunch dinner supper brunch",
        ),
    )
)


def one_kind(one: Sequence[str], other: Sequence[str]) -> bool:
    """Say whether two values of a word each name things of one kind: "pizza" and "sushi"."""
    return len(one) == len(other) == 1 and any(one[0] in kind and other[0] in kind for kind in _KINDS)
