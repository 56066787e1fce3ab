/** Owns the tool `pod_observe`: recall over one pod's tool calls. */
import { z } from 'zod';
import { clipLine, clipList } from '../clip.ts';
import { createTool, said } from '../tool.ts';
import { podId } from './input.ts';

const MAX_CALLS = 20;
const SNIPPET_CHARS = 160;

const input = z.strictObject({
  id: podId,
  words: z.string().min(1).max(500),
  failed: z.boolean().default(false).describe('Only failed calls.'),
  limit: z.int().min(1).max(MAX_CALLS).default(5),
});

export const podObserve = createTool({
  name: 'pod_observe',
  title: 'Find tool calls of a pod',
  description: "Finds a pod's tool calls by words in them, their errors or answers.",
  isReadOnly: true,
  input,
  call: async ({ id, words, failed, limit }, { openPlace, signal }) => {
    const [place, { observeNamed }] = await Promise.all([openPlace(), import('../../swarm/api/observe-pod.ts')]);
    const found = await observeNamed(id, { words, limit, isFailedOnly: failed }, place, signal);
    const { calls, callCount, matchCount } = found;
    if (calls.length === 0) return said(`None of the ${callCount} calls of ${found.id} matches.`);
    const lines = calls.map(({ ts, isOk, tool, snippet }) => {
      return `${ts.slice(0, 19)}Z ${isOk ? 'ok' : 'FAILED'} ${clipLine(tool, 60)}: ${clipLine(snippet.text, SNIPPET_CHARS)}`;
    });
    const head = `${calls.length} of ${matchCount} that match, of ${callCount} calls of ${found.id}:`;
    const maxChars = place.settings.mcp.maxAnswerChars - head.length - 1;
    return said(`${head}\n${clipList({ lines, maxChars, rest: (count) => `… and ${count} more` })}`);
  },
});
