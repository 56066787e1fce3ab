/** Owns the notes that who is no pod leaves in the channels of jobs of this home: a command, an agent outside. */
import { existsSync } from 'node:fs';
import { busPath, channelName } from '../../bus/layout.ts';
import type { OutsideNote } from '../../pod/memory/open-memory.ts';
import { knownEntity } from '../../pod/signals/open-outside.ts';
import { SwarmSession, type SwarmSessionOptions } from './swarm-session.ts';

/** Of jobs that have no channel here nothing is noted. @throws {NikaError} `NIKA_BUS_KEY` */
export const writeOutsideNotes = async (
  place: Pick<SwarmSessionOptions, 'home' | 'settings' | 'env'>,
  notes: readonly OutsideNote[],
): Promise<void> => {
  const { busDir } = place.home;
  const here = notes.filter(({ job }) => existsSync(busPath(busDir, channelName(job))));
  if (here.length === 0) return;
  await using swarm = SwarmSession.open({ ...place, kind: 'command', job: 'nika-memory' });
  for (const { text, job } of here) {
    const entity = await knownEntity(swarm.session, busDir, job);
    entity?.record('note', { text });
  }
};
