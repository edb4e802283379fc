"""Makes a figure of matplotlib fit for a strict page.

A page without inline styles (Content-Security-Policy) cannot take the `style` attributes and the
global `<style>` element that matplotlib writes. As presentation attributes they are allowed, and
the style sheet of the page may override them, which is how figures turn dark with the page.
"""

import re
import xml.etree.ElementTree as ElementTree

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
DROPPED = {f"{{{SVG}}}metadata", f"{{{SVG}}}style"}
REFERENCE = re.compile(r"url\(#([^)]+)\)")


def clean(text: str, name: str, title: str, description: str) -> str:
    """Rewrites an SVG: no styles, no metadata, own ids, a title and a description.

    Arguments:
        title: What the figure shows, in a few words.
        description: What it says, for somebody who cannot see it.
    """
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    root = ElementTree.fromstring(text)
    for parent in root.iter():
        _unstyle(parent)
        for child in [child for child in parent if child.tag in DROPPED]:
            parent.remove(child)
    _inherit_colours(root)
    used = _references(root)
    names = {old: f"{name}-{number}" for number, old in enumerate(sorted(used))}
    for element in root.iter():
        _rename(element, names)
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")
    root.set("font-family", "sans-serif")
    root.set("role", "img")
    root.set("class", "figure")
    root.set("aria-labelledby", f"{name}-title {name}-description")
    for tag, words in (("desc", description), ("title", title)):
        element = ElementTree.Element(f"{{{SVG}}}{tag}")
        element.set("id", f"{name}-{'title' if tag == 'title' else 'description'}")
        element.text = words
        root.insert(0, element)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _references(root: ElementTree.Element) -> set[str]:
    used: set[str] = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            used.update(REFERENCE.findall(value))
            if key in (f"{{{XLINK}}}href", "href"):
                used.add(value.lstrip("#"))
    return used


def _unstyle(element: ElementTree.Element) -> None:
    """Turns the `style` attribute into presentation attributes."""
    for rule in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in rule.partition(":"))
        if key == "font":
            size = re.search(r"([\d.]+)px", value)
            if size:
                element.set("font-size", size.group(1))
        elif key:
            element.set(key, value)


def _inherit_colours(root: ElementTree.Element) -> None:
    """Leaves the colours of a marker to the places that use it.

    The rules of a style sheet do not reach into the copies that `<use>` makes of a shape; what
    the copy inherits, they do reach.
    """
    coloured = {
        use.get(f"{{{XLINK}}}href", "").lstrip("#")
        for use in root.iter(f"{{{SVG}}}use")
        if use.get("stroke") or use.get("fill")
    }
    for element in root.iter():
        if element.get("id") in coloured:
            for name in ("fill", "fill-opacity", "stroke", "stroke-opacity"):
                element.attrib.pop(name, None)


def _rename(element: ElementTree.Element, names: dict[str, str]) -> None:
    id = element.attrib.pop("id", None)
    if id in names:
        element.set("id", names[id])
    for key, value in element.attrib.items():
        if key in (f"{{{XLINK}}}href", "href"):
            element.set(key, "#" + names[value.lstrip("#")])
        elif "url(#" in value:
            element.set(key, REFERENCE.sub(lambda m: f"url(#{names[m.group(1)]})", value))
