"""Is this weight descended from that one?"""
