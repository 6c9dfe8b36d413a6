import { Router } from 'express';
import { vets } from './vets.js';

export const pages = Router();

pages.get('/', (req, res) => {
  res.render('home', { title: 'Valley clinic', emergency: process.env.EMERGENCY_NUMBER });
});

pages.get('/team', (req, res) => {
  res.render('team', { title: 'Our team', vets });
});

pages.get('/team/:id', (req, res, next) => {
  const vet = vets.find((item) => item.id === req.params.id);
  if (!vet) return next();
  res.render('vet', { title: vet.name, vet });
});
