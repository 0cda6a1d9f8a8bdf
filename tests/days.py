"""The year that the tests ask about, derived so that it is never in the past."""

from datetime import date
from itertools import count

YEAR = next(
    year for year in count(date.today().year + 1) if date(year, 5, 6).strftime("%a") == "Tue"
)
"""The next year in which 6 May is a Tuesday: from March on, each date has its weekday of 2031.

In May and June Santiago is four hours behind UTC, and the seed's agents work on a Tuesday.
"""
