/** What people name by --vault and --token-file: one place, or two sites of one vault with a comma between them. */
import { clientSitesMax } from '@twinvault/protocol';
import { UsageError } from '../errors/usage-error.ts';

/** Only before what begins a place: a comma may stand in the path of a directory. */
const betweenPlaces = /,(?=[a-z][a-z0-9+.-]*:\/\/|\.{0,2}\/)/iu;

export function placesOf(vault: string): string[] {
  const places = vault.split(betweenPlaces);
  if (places.length > clientSitesMax) {
    throw new UsageError(`A vault stands at ${clientSitesMax} sites at most, and --vault names ${places.length}.`);
  }
  return places;
}

/** One file for each site, in any order: each names its site. */
export function tokenFilesOf(tokenFile: string | undefined, places: number): string[] {
  if (tokenFile === undefined) return [];
  return places === 1 ? [tokenFile] : tokenFile.split(',');
}
