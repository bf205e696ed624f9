from testbed import Scenario

scenario = Scenario(topology="../nowhere.py", question="?", hypothesis="none", refuted_by="nothing")
