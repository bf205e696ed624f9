from kubernetes import client as client
from kubernetes import config as config
from kubernetes import utils as utils
from kubernetes import watch as watch
