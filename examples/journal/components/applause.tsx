'use client';

import { useState } from 'react';

export function Applause() {
  const [claps, setClaps] = useState(0);
  return (
    <p>
      <button type="button" onClick={() => setClaps(claps + 1)}>Applaud</button>
      <span>{claps === 0 ? 'Nobody has applauded yet.' : `Applauded ${claps} times.`}</span>
    </p>
  );
}
