"""`directory`: agencies and their keys, areas and desks, appointments, mandates, resources."""
