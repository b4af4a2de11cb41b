/* Answers of buckets: what was written is read, whatever the keys; and no bytes make the reader fail. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { elements, escaped, keyPageOf, orderedElements, textOf, uploadsOf, versionPageOf } from './s3-xml.ts';

const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter((text) => text.isWellFormed());

test('keys, folders and the place to go on come out of a page as they were put in', () => {
  fc.assert(
    fc.property(fc.array(key), fc.array(key), fc.option(fc.base64String({ minLength: 1 })), (keys, folders, next) => {
      const contents = keys.map((each) => `<Contents><Size>1</Size><Key>${encodeURIComponent(each)}</Key></Contents>`);
      const prefixes = folders.map((each) => `<CommonPrefixes><Prefix>${encodeURIComponent(each)}</Prefix></CommonPrefixes>`);
      const more =
        next === null ? '' : `<IsTruncated>true</IsTruncated><NextContinuationToken>${escaped(next)}</NextContinuationToken>`;
      const page = `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${contents.join('')}${more}${prefixes.join('')}</ListBucketResult>`;
      assert.deepEqual(keyPageOf(page), { keys, folders, next });
    }),
  );
});

test('versions and delete markers come in the order in which they stand', () => {
  const version = fc.record(
    {
      key,
      versionId: fc.uuid(),
      isMarker: fc.boolean(),
      isLatest: fc.boolean(),
      modifiedMs: fc.nat(2e9),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(version), (versions) => {
      const lines = versions.map(({ isMarker, modifiedMs, ...each }) => {
        const name = isMarker ? 'DeleteMarker' : 'Version';
        return `<${name}><Key>${encodeURIComponent(each.key)}</Key><VersionId>${each.versionId}</VersionId><IsLatest>${each.isLatest}</IsLatest><LastModified>${new Date(modifiedMs).toISOString()}</LastModified></${name}>`;
      });
      const page = versionPageOf(
        `<ListVersionsResult><VersionIdMarker></VersionIdMarker>${lines.join('\n')}</ListVersionsResult>`,
      );
      assert.deepEqual(page, { versions, folders: [], next: null });
    }),
  );
});

test('text is read with its entities, and what is left open is nothing', () => {
  fc.assert(fc.property(key, (text) => assert.equal(textOf(`<A>${escaped(text)}</A>`, 'A'), text)));
  assert.equal(textOf('<A>&#65;&#x42;&apos;&unknown;&#x110000;</A>', 'A'), "AB'&unknown;&#x110000;");
  assert.deepEqual(elements('<A>1</A><AB>2</AB><A>3', 'A'), ['1']);
  assert.equal(textOf('<A>1', 'A'), null);
});

test('any bytes are read or passed over', () => {
  const pieces = fc.constantFrom(
    '<',
    '>',
    '</',
    '<Version>',
    '</Version>',
    '<Key>',
    '</Key>',
    '<Contents>',
    '%',
    '%zz',
    '&',
    ';',
    '&#',
    'a',
  );
  const any = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces, { maxLength: 40 }).map((each) => each.join('')),
  );
  fc.assert(
    fc.property(any, (text) => {
      for (const read of [keyPageOf, versionPageOf, uploadsOf]) read(text);
      for (const { inner } of orderedElements(text, ['Version', 'Key'])) assert.ok(text.includes(inner));
    }),
    { numRuns: 1000 },
  );
});
