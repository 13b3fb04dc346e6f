"""What a network answers by besides the lesion: reports on shortcuts, for skinfw."""
