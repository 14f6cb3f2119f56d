"""`python -m handrail_receiver …` → handrail_receiver.cli."""

from handrail_receiver.cli import main

if __name__ == "__main__":
    main()
