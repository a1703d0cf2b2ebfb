"""The Hugging Face Hub's API, as its clients use it."""
