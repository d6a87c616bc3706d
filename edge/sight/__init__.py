"""The sight process: frames in, decisions out, tickets to the guard, events to the ledger."""
