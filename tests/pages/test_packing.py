"""Several modules become one file that does the same."""

from __future__ import annotations

import pytest

from vividflow.pages.packing import in_order, packed

FILES = {
    "app.js": 'import "./js/one.js";\nimport { two as other } from "./js/two.js";\nother();\n',
    "js/one.js": '// A note.\nimport { two } from "./two.js";\n\nexport async function one() {\n  return two(); // stays\n}\n',
    "js/two.js": "export const TWO = 2;\nexport function two() {\n  return TWO;\n}\nexport class Three {}\n",
    "js/screen.js": 'import {\n  one,\n} from "./one.js";\none();\n',
}


def test_each_module_stands_once_behind_those_it_asks_for() -> None:
    order = in_order(("app.js", "js/screen.js"), FILES.__getitem__)
    assert order == ["js/two.js", "js/one.js", "app.js", "js/screen.js"]
    text = packed(("app.js", "js/screen.js"), FILES.__getitem__)
    assert text.count("TWO = 2") == 1
    assert "const { two: other } = $m0;" in text
    assert "return { TWO, two, Three };" in text
    assert "return { one };" in text
    assert "import" not in text
    assert "export" not in text
    assert "A note" not in text
    assert "// stays" in text


def test_a_circle_is_a_mistake() -> None:
    files = {"a.js": 'import "./b.js";\n', "b.js": 'import "./a.js";\n'}
    with pytest.raises(ValueError, match=r"a\.js → b\.js → a\.js is a circle"):
        packed(("a.js",), files.__getitem__)


@pytest.mark.parametrize(
    "line",
    [
        "export let count = 0;",
        "export default 1;",
        'import all from "./b.js";',
        "export { a };",
        'import { a } from "b";',
    ],
)
def test_what_packing_does_not_understand_is_a_mistake(line: str) -> None:
    with pytest.raises(ValueError, match="more than packing understands"):
        packed(("a.js",), {"a.js": line + "\n"}.__getitem__)
