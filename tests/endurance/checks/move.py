def move(setting):
    return 'skipped: later'
