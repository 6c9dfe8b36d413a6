'use client';

import Link from 'next/link';
import { useState } from 'react';
import type { Entry } from '@/lib/entries';

export function EntryList({ entries }: { entries: Entry[] }) {
  const [term, setTerm] = useState('');
  const [longOnly, setLongOnly] = useState(false);
  const shown = entries
    .filter((entry) => entry.title.toLowerCase().includes(term.toLowerCase()))
    .filter((entry) => !longOnly || entry.kilometres >= 10);

  return (
    <>
      <label>Find <input type="search" value={term} onChange={(event) => setTerm(event.target.value)} /></label>
      <label><input type="checkbox" checked={longOnly} onChange={(event) => setLongOnly(event.target.checked)} /> Long walks only</label>
      {shown.length === 0 && <p>No walk of that name.</p>}
      <ul>
        {shown.map((entry) => <li key={entry.slug}><Link href={`/entries/${entry.slug}`}>{entry.title}</Link></li>)}
      </ul>
    </>
  );
}
