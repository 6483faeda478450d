# What callgrind has counted, read from its file: instructions by function and library, and who called whom how often.
# The format: https://valgrind.org/docs/manual/cl-format.html (names are given once with a number, then by the number).
import collections
import re
import subprocess


class Profile:
    """The counts of one run of a program."""

    def __init__(self, path):
        self.by_function = collections.Counter()
        self.by_library = collections.Counter()
        self.calls = collections.Counter()
        self.inclusive = collections.Counter()
        names, libraries = {}, {}
        function = callee = library = None
        called = 0
        with open(path) as lines:
            for line in lines:
                key, _, value = line.rstrip("\n").partition("=")
                if key in ("ob", "cob"):
                    name = self._name(libraries, value).rsplit("/", 1)[-1]
                    library = name if key == "ob" else library
                elif key == "fn":
                    function = self._name(names, value)
                elif key == "cfn":
                    callee = self._name(names, value)
                elif key == "calls":
                    called = int(value.split()[0])
                elif line[:1].isdigit() or line[:1] in "+-*":
                    cost = int(line.split()[1])
                    if called:
                        self.calls[function, callee] += called
                        self.inclusive[function, callee] += cost
                        called = 0
                    else:
                        self.by_function[function] += cost
                        self.by_library[library] += cost

    @staticmethod
    def _name(known, text):
        number, _, name = text.partition(" ")
        if not re.fullmatch(r"\(\d+\)", number):
            return text
        if name:
            known[number] = name
        return known[number]


def per_job(small, large, jobs):
    """A profile of what one job takes: the difference of two runs, of which one had so many jobs more."""
    result = Profile.__new__(Profile)
    for field in "by_function", "by_library", "calls", "inclusive":
        few, many = getattr(small, field), getattr(large, field)
        setattr(result, field, {key: (count - few[key]) / jobs for key, count in many.items()})
    return result


def demangled(names):
    """Swift's names as people write them."""
    text = subprocess.run(
        ["swift", "demangle", "--simplified"], input="\n".join(names), capture_output=True, text=True, check=True)
    return dict(zip(names, text.stdout.splitlines()))
