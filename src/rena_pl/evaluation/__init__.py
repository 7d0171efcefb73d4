"""One child's outcome, the ledger of all of them, and what turns an architecture into one."""
