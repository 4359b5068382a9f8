python "$CLONE/examples/demo.py"
