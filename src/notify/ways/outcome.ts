/** Owns what comes of a try to tell somebody. */

export type SendOutcome =
  | { readonly kind: 'sent' }
  /** It may work later. */
  | { readonly kind: 'failed'; readonly why: string; readonly retryAfterMs?: number }
  /** Another try would come to the same. */
  | { readonly kind: 'refused'; readonly why: string };
