/** Owns the tool `digest`: what one must know of all pods, in so many tokens at most. */
import { z } from 'zod';
import { createTool, said } from '../tool.ts';

const input = z.strictObject({
  max_tokens: z.int().min(200).max(20_000).default(800),
  cursor: z.string().min(1).max(80).optional().describe('Of your last digest: only what is new.'),
});

export const digest = createTool({
  name: 'digest',
  title: 'What one must know of the swarm',
  description: 'What one must know of all pods in few tokens: what failed and why, waits, is lost, runs, came to what.',
  isReadOnly: true,
  input,
  call: async ({ max_tokens: maxTokens, cursor }, { openPlace, signal }) => {
    const [{ home, settings }, { digestHome }] = await Promise.all([
      openPlace(),
      import('../../swarm/digest/digest.ts'),
    ]);
    const last = cursor === undefined ? {} : { cursor };
    const { text } = await digestHome({ home, settings, maxTokens, ...last, manner: 'mcp', signal });
    return said(text.trimEnd());
  },
});
