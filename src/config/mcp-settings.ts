/** Owns the settings `mcp:`: what an agent may do through `nika mcp`. */
import { z } from 'zod';

export const mcpSchema = z.strictObject({
  inAgents: z.boolean().prefault(true).describe('Whether agents that run in pods are given the tools of nika.'),
  maxDepth: z
    .int()
    .min(0)
    .max(100)
    .prefault(3)
    .describe('How deep below the pod that a person started pods may be started; 0: pods start none.'),
  maxChildren: z
    .int()
    .min(0)
    .max(10_000)
    .prefault(10)
    .describe('How many pods that it started may run at once, of each pod, and of each agent outside of pods.'),
  maxAnswerChars: z
    .int()
    .min(500)
    .max(1_000_000)
    .prefault(4_000)
    .describe("Characters at which the answer of a tool is cut; an agent's context is small."),
});
