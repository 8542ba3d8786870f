import json
def write(document, output):
    json.dump(document, open(output + '.json', 'w'), indent=1)
