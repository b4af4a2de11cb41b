/* What a scan hands over, made out of objects and back: for sources that have objects, and for who wants to look at each entry. */
import { entryTypes } from '../source-port.ts';
import type { ScannedEntries, ScannedEntry } from '../source-port.ts';
import { BodyView, writeHead } from './entry-body.ts';
import { ItemCursor, ItemWriter } from './packed-items.ts';
import { PackedWriter } from './packed-writer.ts';

/** `entries`: in key order. */
export function packEntries(entries: readonly ScannedEntry[]): ScannedEntries {
  const items = new ItemWriter(new PackedWriter(entries.length * 128));
  let fileBytes = 0;
  for (const { directory, name, stat } of entries) {
    items.begin(directory, name);
    writeHead(items.writer, stat);
    items.end();
    if (stat.type === entryTypes.file) fileBytes += stat.sizeBytes;
  }
  return { type: 'entries', items: items.flush(), count: entries.length, fileBytes };
}

export function unpackEntries({ items }: ScannedEntries): ScannedEntry[] {
  const entries: ScannedEntry[] = [];
  const cursor = new ItemCursor(items);
  const head = new BodyView(items);
  while (cursor.next()) entries.push(scannedEntry(cursor, head.at(cursor.bodyStart)));
  return entries;
}

/** The cursor's present entry; `head`: its body. */
export function scannedEntry(cursor: ItemCursor, head: BodyView): ScannedEntry {
  return { directory: cursor.directory, name: cursor.name, stat: head.stat() };
}
