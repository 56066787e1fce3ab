/** Owns that a pod whose job has `capabilities` offers them while it lives. */
import type { StandingOffer } from '../ipc/registry/registry.ts';
import type { EntityId } from '../model/id.ts';
import { thisProcess } from '../failopen/process-identity.ts';
import type { Session } from './session.ts';

/** Comes back at once: nothing of the pod waits for Redis (G1). */
export const startOffer = (session: Session, entity: EntityId, capabilities: readonly string[]): AsyncDisposable => {
  const open = async (): Promise<StandingOffer | undefined> => {
    if (capabilities.length === 0) return undefined;
    const { StandingOffer: Opened } = await import('../ipc/registry/registry.ts');
    const answer = await session.link.get();
    if (answer.kind !== 'link') return undefined;
    const { host } = thisProcess();
    return new Opened(answer, capabilities, { kind: 'pod', host, session: session.id, entity });
  };
  const opening = open().catch(() => undefined);
  return {
    [Symbol.asyncDispose]: async () => {
      const offer = await opening;
      await offer?.[Symbol.asyncDispose]();
    },
  };
};
