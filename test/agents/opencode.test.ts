/** opencode, the real one, as a pod. */
import { describeAgent } from './agent-cases.ts';
import { describeFaults } from './agent-faults.ts';
import type { AgentTruth } from './agent-truth.ts';

const truth: AgentTruth = {
  tell: ({ tool, input }) => ({ tool, input: tool === 'nope' ? null : input }),
  exits: (code) => ({ exit: code }),
  miss: { ok: false },
  unknown: { ok: false },
  invalid: { ok: false },
  denied: { ok: false },
  refused: { ok: false },
  hears: 'tool call',
  interrupted: { ok: false, interrupted: true },
  sub: 'general',
};

describeAgent('opencode', truth);
describeFaults('opencode', truth);
