def compaction(setting):
    return 'skipped: later'
