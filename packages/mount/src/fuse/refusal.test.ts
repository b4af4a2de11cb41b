import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from './refusal.ts';

test('what fusermount3 of Debian 12 says has a code each', () => {
  const said = {
    'fusermount3: failed to open /dev/fuse: Permission denied': 'mount-device-closed',
    "fusermount3: option allow_other only allowed if 'user_allow_other' is set in /etc/fuse.conf": 'mount-others-denied',
    'fusermount3: user has no write access to mountpoint /mnt': 'mount-folder-denied',
    'fusermount3: mountpoint /tmp/x not owned by user': 'mount-folder-denied',
    "fusermount3: fuse device not found, try 'modprobe fuse' first": 'mount-unsupported',
    'fusermount3: too many FUSE filesystems; mount_max=1000 can be changed in /etc/fuse.conf': 'mount-too-many',
    'fusermount3: mount failed: Operation not permitted': 'mount-denied',
  };
  for (const [text, code] of Object.entries(said)) {
    const error = refusalOf(`${text}\n`, '/mnt');
    assert.equal(error.code, code, text);
    assert.equal(error.context['reason'], text.replace('fusermount3: ', ''));
    assert.equal(error.context['localPath'], '/mnt');
  }
});
