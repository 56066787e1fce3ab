/** Gemini CLI, the real one, as a pod. */
import { describeAgent } from './agent-cases.ts';
import { describeFaults } from './agent-faults.ts';
import type { AgentTruth } from './agent-truth.ts';

const truth: AgentTruth = {
  tell: ({ tool, input }) => ({ tool, input }),
  exits: (code) => (code === 0 ? {} : { exit: code }), // it tells a code only where it is not 0
  miss: { ok: false },
  unknown: { ok: false, source: 'stream' },
  invalid: { ok: false, source: 'stream' },
  denied: { ok: false },
  refused: { ok: false, source: 'stream' },
  hears: 'tool call',
  refusedCode: 400 % 256, // it ends with the status of HTTP
  interrupted: { ok: false, interrupted: true },
  sub: 'generalist',
};

describeAgent('gemini', truth);
describeFaults('gemini', truth);
