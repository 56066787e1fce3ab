/** Owns what a hook may answer, in nika's own form and in that of the agents' CLIs. Pure. */

export type HookAnswer =
  /** `input` is there where the hook changed it. */
  | { readonly kind: 'allow'; readonly input?: unknown }
  | { readonly kind: 'deny'; readonly reason: string }
  | { readonly kind: 'ask'; readonly reason: string; readonly input?: unknown }
  /** It crashed, was late, or said what nobody understands. */
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'aborted' };

type Fields = Readonly<Record<string, unknown>>;

const MAX_REASON_CHARS = 2_000;
const KNOWN = new Set(
  'input deny ask hookSpecificOutput decision reason continue stopReason suppressOutput systemMessage'.split(' '),
);

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a person is told, and an agent reads. */
export const reasonOf = (value: unknown): string => {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' ? 'no reason given' : text.slice(0, MAX_REASON_CHARS).toWellFormed();
};

interface Decision {
  readonly word: unknown;
  readonly reason: unknown;
  /** Without `input`: not changed. */
  readonly changed: { readonly input?: unknown };
}

/** `deny: 'reason'` as `word: 'deny'`; the agents' `block` is a deny. */
const decisionOf = (answer: Fields): Decision | string => {
  const { hookSpecificOutput: specific } = answer;
  if (specific !== undefined && !isFields(specific)) return 'hookSpecificOutput must be an object';
  const updated = specific?.['updatedInput'];
  const changed = 'input' in answer ? { input: answer['input'] } : updated === undefined ? {} : { input: updated };
  if (answer['deny'] !== undefined) return { word: 'deny', reason: answer['deny'], changed };
  if (answer['continue'] === false) return { word: 'deny', reason: answer['stopReason'], changed };
  if (specific?.['permissionDecision'] !== undefined) {
    return { word: specific['permissionDecision'], reason: specific['permissionDecisionReason'], changed };
  }
  if (answer['ask'] !== undefined) return { word: 'ask', reason: answer['ask'], changed };
  return { word: answer['decision'] ?? 'allow', reason: answer['reason'], changed };
};

/**
 * Nothing, or an object: `{ input }`, `{ deny: 'reason' }`, `{ ask: 'reason' }`, or the agents'
 * `{ hookSpecificOutput: { permissionDecision, permissionDecisionReason, updatedInput } }`. What says neither is `failed`:
 * a misspelt `deny` must not pass for an allow unseen.
 */
export const answerOf = (value: unknown): HookAnswer => {
  if (value === undefined || value === null) return { kind: 'allow' };
  if (!isFields(value)) return { kind: 'failed', why: 'its answer is no object' };
  const keys = Object.keys(value);
  if (keys.length > 0 && !keys.some((key) => KNOWN.has(key))) {
    return { kind: 'failed', why: `its answer has none of input, deny, ask; it has ${keys.slice(0, 5).join(', ')}` };
  }
  const decision = decisionOf(value);
  if (typeof decision === 'string') return { kind: 'failed', why: `its answer cannot be read: ${decision}` };
  const { word, reason, changed } = decision;
  if (word === 'deny' || word === 'block') return { kind: 'deny', reason: reasonOf(reason) };
  if (word === 'ask') return { kind: 'ask', reason: reasonOf(reason), ...changed };
  if (word === 'allow' || word === 'approve' || word === 'defer') return { kind: 'allow', ...changed };
  return { kind: 'failed', why: `its decision must be allow, ask or deny, not ${JSON.stringify(word)}` };
};
