/** The public library API of nika. */
export { NikaError } from './model/error.ts';
export { type NikaMeta, nikaMetaSchema } from './model/envelope.ts';
export { createEntityId, type EntityId, parseEntityId } from './model/id.ts';
export { MESSAGE_SCHEMAS, type MessageData, type MessageType } from './model/message.ts';
export { nikaHooks, type NikaHooks } from './agents/sdk/nika-hooks.ts';
export { Pod, type PodEnding, type PodOptions } from './pod/api/library-pod.ts';
export type { HookedTool, HookedTools, IncomingMessage, ModelUsage, PodApi } from './pod/api/pod-api.ts';
export { decideJobReview as decideReview, reviews, type ReviewsOptions } from './swarm/review/open-reviews.ts';
export type { Decided, Decision } from './swarm/review/decide-review.ts';
export type { Review } from './swarm/review/read-reviews.ts';
export type {
  IncomingSignal,
  RequestOptions,
  SendOptions,
  SentSignal,
  SignalApi,
  SignalsOptions,
} from './pod/api/signal-api.ts';
export type { PodEvent, PodOutcome } from './pod/pod-event.ts';
export { dispatch, type DispatchedJob, type DispatchOptions } from './swarm/api/dispatch.ts';
export type { DispatchEnd } from './swarm/dispatch/wait-for-dispatched.ts';
export { type SubscribedChange, subscribeFeed, type SubscribeOptions } from './swarm/subscribe-feed.ts';
export { digest, type LibraryDigestOptions } from './swarm/digest/library-digest.ts';
export type { Digest, ToldItem } from './swarm/digest/write-digest.ts';
export { observePod, type ObservedPod, type ObservePodOptions } from './swarm/api/observe-pod.ts';
export type { ObservedCall } from './memory/observe/observe-calls.ts';
export {
  memory,
  type MemoryCount,
  type MemoryCountQuestion,
  type MemoryHit,
  type MemoryHits,
  type MemoryQuestion,
  type MemorySearchQuestion,
} from './pod/remember/library-memory.ts';
export type { MemoryGroup, MemoryKind } from './model/memory.ts';
export type { MemoryPayload } from './memory/point.ts';
