/** Owns which tools an agent has; what it needs most often first. */
import type { McpTool } from './tool.ts';
import { claimPath, claims, releasePath } from './tools/claims.ts';
import { contract } from './tools/contract.ts';
import { dispatch } from './tools/dispatch.ts';
import { digest } from './tools/digest.ts';
import { fleet } from './tools/fleet.ts';
import { jobs } from './tools/jobs.ts';
import { memoryGet, memoryList, memoryPut } from './tools/memory.ts';
import { note } from './tools/note.ts';
import { podObserve } from './tools/pod-observe.ts';
import { memoryCount, memorySearch } from './tools/recall.ts';
import { result } from './tools/result.ts';
import { reviewDecide, reviewList } from './tools/review.ts';
import { send } from './tools/send.ts';
import { signal, signals } from './tools/signal.ts';
import { startPod } from './tools/start-pod.ts';
import { stop } from './tools/stop.ts';
import { wait } from './tools/wait.ts';

export const TOOLS: readonly McpTool[] = [
  jobs,
  startPod,
  dispatch,
  wait,
  result,
  fleet,
  digest,
  podObserve,
  memorySearch,
  memoryCount,
  send,
  signal,
  signals,
  stop,
  claimPath,
  releasePath,
  claims,
  memoryPut,
  memoryGet,
  memoryList,
  contract,
  reviewList,
  reviewDecide,
  note,
];

/** What the agent is told of all of them at once. */
export const INSTRUCTIONS =
  'nika runs agents and scripts as pods beside each other, and you may run in one yourself (fleet tells). Start what can go on beside your work with start_pod (jobs tells what there is), then wait. Before you change files that others may change too: claim_path. Ids are whole in every answer and can be used in the next call.';
