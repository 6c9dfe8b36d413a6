'use client';

import { useEffect, useState } from 'react';

export function Weather() {
  const [hour, setHour] = useState<number | null>(null);
  useEffect(() => setHour(new Date().getHours()), []);
  if (hour === null) return null;
  return <p>{hour < 18 ? 'There is light left for a walk.' : 'Too late for today.'}</p>;
}
