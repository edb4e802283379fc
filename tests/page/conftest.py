"""Runs that the pages are made of."""

from visiting import HOSTILE as HOSTILE
