"""The report on a conversion as one page of HTML."""
