"""The chain of an exception: itself and its causes."""


def error_chain(error: BaseException) -> list[BaseException]:
    """Return the error, then what it was raised from or during, down to the first of them.

    https://docs.python.org/3/library/exceptions.html#exception-context
    """
    chain = [error]
    while cause := chain[-1].__cause__ or chain[-1].__context__:
        chain.append(cause)
    return chain
