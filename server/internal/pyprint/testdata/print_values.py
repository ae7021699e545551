"""Answers for the Go tests: what Python prints for each case.

stdin: one case a line, "<base64 of the JSON text> <attachments>", where the
attachments are "-" for none at all or "=" followed by the base64 of each and a
comma.
stdout: first a line "<Python version> <Unicode version>", then one line a case:
"=" and the base64 of str() of the decoded value, or "!" and the exception's
name. With the argument "printable", instead of cases: one line "<first> <last>"
for each range of characters that str.isprintable refuses.
"""

import base64
import json
import platform
import sys
import unicodedata


def fill(value, attachments):
    """What python-socketio does with a binary event's data."""
    if isinstance(value, list):
        return [fill(item, attachments) for item in value]
    if isinstance(value, dict):
        if value.get('_placeholder') and 'num' in value:
            return attachments[value['num']]
        return {key: fill(item, attachments) for key, item in value.items()}
    return value


def answer(line):
    text, attachments = line.split()
    value = json.loads(base64.b64decode(text).decode('utf-8'))
    if attachments != '-':
        parts = attachments[1:].split(',')[:-1]
        value = fill(value, [base64.b64decode(part) for part in parts])
    shown = str(value).encode('utf-8', 'backslashreplace')
    return '=' + base64.b64encode(shown).decode()


def unprintable():
    first = None
    for code in range(sys.maxunicode + 2):
        refused = code <= sys.maxunicode and not chr(code).isprintable()
        if refused and first is None:
            first = code
        elif not refused and first is not None:
            print(first, code - 1)
            first = None


print(platform.python_version(), unicodedata.unidata_version)
if sys.argv[1:] == ['printable']:
    unprintable()
else:
    for case in sys.stdin:
        try:
            print(answer(case))
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            print('!' + type(error).__name__)
