"""Signals as the shell of a terminal leaves them: whatever is started in the background ignores some.

Programs that tests start, and interrupt, would ignore them too.
"""

import signal

for _number, _usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)
