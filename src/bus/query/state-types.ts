/** Owns which lines tell of the state of an entity; the rest of an alpha bus (notes, signals …) is not parsed for it. */
export const STATE_TYPES = [
  'entity_created',
  'entity_started',
  'review_request',
  'review_decision',
  'job_completed',
  'job_failed',
  'job_cancelled',
  'attempt_failed',
  'condition',
  'session_start',
  'session_end_summary',
] as const;
