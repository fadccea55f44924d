"""What runs on the other side: in processes of its own, without the rest of promptlab.

These files import the standard library and one another only. A bare interpreter loads them as the package
`inside` (`promptlab.sandbox.process` starts it).
"""
