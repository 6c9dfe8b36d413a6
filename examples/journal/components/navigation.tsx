'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';

const links = [
  { href: '/', name: 'Start' },
  { href: '/entries', name: 'Entries' },
  { href: '/subscribe', name: 'Subscribe' },
  { href: '/about', name: 'About' },
];

export function Navigation() {
  const pathname = usePathname();
  return (
    <header>
      <nav aria-label="Main">
        {links.map(({ href, name }) => (
          <Link key={href} href={href} aria-current={pathname === href ? 'page' : undefined}>{name}</Link>
        ))}
      </nav>
    </header>
  );
}
