/** Claude Code, the real one, as a pod. */
import { describeAgent } from './agent-cases.ts';
import { describeFaults } from './agent-faults.ts';
import type { AgentTruth } from './agent-truth.ts';

const truth: AgentTruth = {
  tell: ({ tool, input }) => ({ tool: tool === 'Task' ? 'Agent' : tool, input }),
  exits: (code) => (code === 0 ? {} : { exit: code }),
  miss: { ok: false },
  unknown: { ok: false, source: 'stream' },
  invalid: { ok: false, source: 'stream' },
  denied: { ok: false },
  refused: { ok: false },
  hears: 'tool call',
  interrupted: { ok: false, interrupted: true },
  sub: 'general-purpose',
};

describeAgent('claude-code', truth);
describeFaults('claude-code', truth);
