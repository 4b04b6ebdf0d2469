//! Reading DER that a service wrote, as far as one field of a timestamp takes it.

/// The values that stand in a row, each as tag and content; nothing where it is cut or has a length that DER has not.
pub(crate) fn values(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    while let Some((tag, rest)) = bytes.split_first() {
        let (first, rest) = rest.split_first()?;
        let (length, rest) = if *first < 0x80 {
            (usize::from(*first), rest)
        } else {
            let (length, rest) = rest.split_at_checked(usize::from(*first & 0x7f))?;
            let length = length.iter().try_fold(0_usize, |sum, byte| {
                sum.checked_mul(256)?.checked_add(usize::from(*byte))
            })?;
            (length, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        found.push((*tag, content));
        bytes = rest;
    }
    Some(found)
}

/// The content of the value at an index, where it has this tag.
pub(crate) fn value(bytes: &[u8], index: usize, tag: u8) -> Option<&[u8]> {
    let values = values(bytes)?;
    values.get(index).filter(|(found, _)| *found == tag).map(|(_, content)| *content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_read_and_what_is_cut_is_not() {
        let long = [&[4, 0x82, 1, 44][..], &[7; 300]].concat();
        let written = [&[2, 1, 5][..], &long].concat();
        assert_eq!(values(&written).unwrap(), [(2, &[5][..]), (4, &[7; 300][..])]);
        assert!(values(&written[..written.len() - 1]).is_none());
        assert_eq!(value(&written, 0, 2), Some(&[5][..]));
        assert_eq!(value(&written, 0, 4), None);
        assert_eq!(value(&written, 2, 4), None);
        // Lengths that nothing has, and the one that says there is none.
        assert!(values(&[4, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]).is_none());
        assert!(values(&[4, 0xff]).is_none());
        assert_eq!(values(&[0x30, 0x80, 5]), None);
    }

    proptest! {
        #[test]
        fn a16_no_input_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            drop(values(&bytes));
        }
    }
}
