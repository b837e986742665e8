"""What was said, as others can read it: FHIR R4 Consent, and ISO/IEC TS 27560 with the terms of W3C DPV."""
