"""One page per public module, one per public name."""

import inspect

from ._names import is_documented, members, page, public_modules, summary

__all__ = ["api_pages"]


def heading(text, line):
    """Return an RST heading."""
    return f"{text}\n{line * len(text)}\n\n"


def api_pages():
    """Return {path below the sources: text} of the reference."""
    modules = public_modules()
    pages = {"api/index.rst": index_page(modules)}
    for module in modules:
        pages[f"api/{module.name}.rst"] = module_page(module)
        for name in module.module.__all__:
            if is_documented(module.module, name):
                pages[f"api/{page(module.module, name)}.rst"] = name_page(module, name)
    return pages


def index_page(modules):
    """List the modules with their first sentences."""
    text = heading("Reference", "=")
    text += ".. toctree::\n   :maxdepth: 1\n   :hidden:\n\n" + "".join(f"   {m.name}\n" for m in modules) + "\n"
    for module in modules:
        text += f":doc:`{module.name}`\n    {module.summary}\n\n"
    return text


def module_page(module):
    """Show the face of a module: its groups, what it says about them, and each name with its first sentence."""
    text = heading(module.name, "=") + f".. py:module:: {module.name}\n\n{module.summary}\n\n"
    listed = [n for group in module.groups for n in group.names if is_documented(module.module, n)]
    text += ".. toctree::\n   :hidden:\n\n" + "".join(f"   {n} <{page(module.module, n)}>\n" for n in listed) + "\n"
    for group in module.groups:
        if group.title:
            text += heading(group.title.replace("``", "`"), "-")
        if group.text:
            text += group.text + "\n\n"
        for name in group.names:
            thing = getattr(module.module, name)
            target = f"{module.name}.{name}"
            link = f":py:obj:`{name} <{target}>`" if is_documented(module.module, name) else f":doc:`{name} <{target}>`"
            text += f"{link}\n    {summary(thing) or '...'}\n\n"
    return text


def name_page(module, name):
    """Document one object; numpydoc lays out its docstring."""
    thing = getattr(module.module, name)
    target = f"{module.name}.{name}"
    text = heading(name, "=") + f".. py:currentmodule:: {module.name}\n\n"
    if not isinstance(thing, type):
        return text + (f".. autofunction:: {target}\n" if callable(thing) else f".. autodata:: {target}\n")
    text += f".. autoclass:: {target}\n\n"
    for member in members(thing):
        kind = "autoproperty" if isinstance(inspect.getattr_static(thing, member), property) else "automethod"
        text += f"   .. {kind}:: {target}.{member}\n\n"
    return text
